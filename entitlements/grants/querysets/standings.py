from django.db import models


class PlaceQuerySet(models.QuerySet):
    def on(self, tier: models.Model | None) -> "PlaceQuerySet":
        """Members who stand on a tier; None is the free tier, whose row those keep who were merged."""
        return self.filter(tier=tier, member__merged_into=None)

    def beyond(self, member_id: int) -> "PlaceQuerySet":
        """The next of them in the order of their numbers, with what a list shows."""
        return self.filter(pk__gt=member_id).select_related("member__lifecycle", "plan").order_by("pk")
