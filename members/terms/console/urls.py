from django.urls import path

from members.terms.console.views import bulk, terms

urlpatterns = [
    path("members/bulk/", bulk.bulk, name="bulk"),
    path("members/<int:member_id>/purchase/", terms.purchase, name="purchase"),
    path("members/<int:member_id>/renew/", terms.renew, name="renew"),
    path("members/<int:member_id>/trial/", terms.trial, name="trial"),
    path("members/<int:member_id>/gift/", terms.gift, name="gift"),
    path("members/<int:member_id>/compensate/", terms.compensate, name="compensate"),
    path("members/<int:member_id>/auto-renewal/on/", terms.auto_renewal_on, name="auto-renewal-on"),
    path("members/<int:member_id>/auto-renewal/off/", terms.auto_renewal_off, name="auto-renewal-off"),
    path("members/<int:member_id>/renewal-failure/", terms.renewal_failure, name="renewal-failure"),
    path("terms/<int:term_id>/refund/", terms.refund, name="refund"),
    path("terms/<int:term_id>/void/", terms.void, name="void"),
    path("terms/<int:term_id>/change-tier/", terms.change_tier, name="change-tier"),
]
