"""An app on Django, for TestDjango: see ../orms_test.go for the verbs."""

import io
import os
import sys
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

url = urlsplit(os.environ["DATABASE_URL"])
database = {
    "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:],
    "USER": unquote(url.username or ""), "PASSWORD": unquote(url.password or ""),
    "HOST": url.hostname, "PORT": url.port,
}
settings.configure(
    DATABASES={"default": database, "other": database}, INSTALLED_APPS=["contacts"], USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from contacts.models import Contact  # noqa: E402


def raw(email, using="default"):
    with connections[using].cursor() as cursor:
        cursor.execute("UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = %s", [email])


def queue(way, email):
    if way == "save":
        contact = Contact.objects.get(email=email)
        contact.hubspot_processing_status = "Queued"
        contact.save()
    elif way == "field":
        contact = Contact.objects.get(email=email)
        contact.hubspot_processing_status = "Queued"
        contact.save(update_fields=["hubspot_processing_status"])
    elif way == "bulk":
        Contact.objects.filter(email=email).update(hubspot_processing_status="Queued")
    elif way == "bulk_update":
        contacts = list(Contact.objects.filter(email=email))
        for contact in contacts:
            contact.hubspot_processing_status = "Queued"
        Contact.objects.bulk_update(contacts, ["hubspot_processing_status"])
    elif way == "raw":
        raw(email)
    else:
        raise ValueError(way)


def main(verb, *args):
    if verb == "before":
        call_command("migrate", "contacts", "0001", verbosity=0)
    elif verb == "after":
        call_command("migrate", verbosity=0)
    elif verb == "proposes":
        out = io.StringIO()
        call_command("makemigrations", dry_run=True, stdout=out)
        if "No changes detected" not in out.getvalue():
            print(out.getvalue())
    elif verb == "create":
        Contact(email=args[0], name="Ada", hubspot_processing_status=args[1] if args[1:] else None).save()
    elif verb == "queue":
        queue(*args)
    elif verb == "stale":
        contact = Contact.objects.get(email=args[0])
        raw(args[0], using="other")
        contact.nickname = "stale"
        contact.save()
    elif verb == "dump":
        call_command("inspectdb", "contacts")
    else:
        raise ValueError(verb)


main(*sys.argv[1:])
