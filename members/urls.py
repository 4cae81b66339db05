"""The pages of people, terms, lifecycle and plans, under one name: ``members``."""

from members.lifecycle.console import urls as lifecycle
from members.people.console import urls as people
from members.plans.console import urls as plans
from members.terms.console import urls as terms

app_name = "members"

urlpatterns = [*people.urlpatterns, *terms.urlpatterns, *lifecycle.urlpatterns, *plans.urlpatterns]
