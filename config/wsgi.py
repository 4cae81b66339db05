import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# What is loaded by now stays. The collector looks at all it knows in the midst of a page, and this is most of it.
gc.collect()
gc.freeze()
