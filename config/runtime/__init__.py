"""Runs the whole system on one machine: embedded servers, web, worker, beat and a mail sink.

Knows processes, ports and folders, and nothing of Django or of the apps.
"""
