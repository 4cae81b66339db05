from django.db import models


class ScoreQuerySet(models.QuerySet):
    def of_members(self) -> "ScoreQuerySet":
        """Without those who were merged into another, whose row stays until the next refresh."""
        return self.filter(member__merged_into__isnull=True)
