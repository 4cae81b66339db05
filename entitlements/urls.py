"""The pages of benefits, their figures, grants and uses, under one name: ``benefits``."""

from entitlements.benefits.console import urls as benefits
from entitlements.grants.console import urls as grants
from entitlements.insight.console import urls as insight
from entitlements.usage.console import urls as usage

app_name = "benefits"

urlpatterns = [*insight.urlpatterns, *benefits.urlpatterns, *grants.urlpatterns, *usage.urlpatterns]
