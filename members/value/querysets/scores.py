from django.db import models


class ScoreQuerySet(models.QuerySet):
    def of_members(self) -> "ScoreQuerySet":
        """Without those who were merged into another, whose scores stay until the next refresh, and their changes."""
        return self.filter(member__merged_into__isnull=True)
