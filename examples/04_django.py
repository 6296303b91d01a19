"""Run it: `pip install -e ".[examples]"`, then `python examples/04_django.py`.

A whole Django project in a file: the cache comes from the settings, a heal has a database
connection of its own, a signal marks what changed as stale, and the checks include the doctor.
"""

import tempfile
import time
from pathlib import Path

import django
from django.conf import settings

folder = tempfile.TemporaryDirectory()
settings.configure(
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "oob_heal.frameworks.django.OobHealConfig",
    ],
    OOB_HEAL={"namespace": "shop", "max_stale": 3_600},
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(Path(folder.name, "shop.db")),
        }
    },
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF=__name__,
)
django.setup()

from django.contrib.contenttypes.models import ContentType  # noqa: E402 - after setup
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.models.signals import post_save  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402

from oob_heal.frameworks.django import cache  # noqa: E402


@cache(ttl=60, default=None)
def models_of(app: str) -> int | None:
    """A query that is slow, say."""
    return ContentType.objects.filter(app_label=app).count()


def changed(sender: type, instance: ContentType, **_: object) -> None:
    """What was written is stale in the cache."""
    models_of.mark_stale(instance.app_label)


def view(request: HttpRequest) -> JsonResponse:
    """Answers from the cache."""
    return JsonResponse({"models": models_of("contenttypes")})


urlpatterns = [path("models", view)]


def ask() -> object:
    """A request; then time to heal."""
    answer = Client().get("/models").json()["models"]
    while models_of.cache_info().healing:
        time.sleep(0.01)
    return answer


call_command("migrate", verbosity=0)
call_command("check")
print("before its heal and after:", ask(), ask())
post_save.connect(changed, sender=ContentType)
ContentType.objects.create(app_label="contenttypes", model="another")
answers = [ask(), ask()]
print("one more was saved; the stale answer, then the new one:", *answers)
assert answers == [1, 2]
cache.close()
connections.close_all()
folder.cleanup()
