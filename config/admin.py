from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.staff.access import Permission


class ConsoleAdminSite(AdminSite):
    """The Django admin, for admins only: staff, raw records, import and export."""

    site_header = _("Membership console administration")
    site_title = _("Administration")
    index_title = _("Records")

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return user.is_active and user.is_authenticated and user.may(Permission.ADMINISTER)
