"""Benchmarks: the product's hot paths beside hand-written SQL that does the same work (``manage.py bench``)."""
