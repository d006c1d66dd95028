import uuid

from django.db import models


class Contacts(models.Manager):
    """Leaves the column of the queue out of what it loads: Django saves whole objects,
    and a field that was not loaded is not saved."""

    def get_queryset(self):
        return super().get_queryset().defer("hubspot_processing_status")


class Contact(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.TextField(null=True)
    name = models.TextField(null=True)
    nickname = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    # contactsync's, which makes it: see migrations/0002_queue.py
    hubspot_processing_status = models.TextField(null=True)

    objects = Contacts()

    class Meta:
        db_table = "contacts"
        base_manager_name = "objects"  # for refresh_from_db and foreign keys
