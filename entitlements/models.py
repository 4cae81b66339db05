"""Django's loader: the models of every room. Each is imported from its room."""

from entitlements.benefits import models as benefits  # noqa: F401
from entitlements.checks import models as checks  # noqa: F401
from entitlements.codes import models as codes  # noqa: F401
from entitlements.grants import models as grants  # noqa: F401
from entitlements.honours import models as honours  # noqa: F401
from entitlements.insight import models as insight  # noqa: F401
from entitlements.memory import models as memory  # noqa: F401
from entitlements.offers import models as offers  # noqa: F401
from entitlements.seats import models as seats  # noqa: F401
from entitlements.tiers import models as tiers  # noqa: F401
from entitlements.usage import models as usage  # noqa: F401
