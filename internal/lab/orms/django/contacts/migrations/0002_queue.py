from django.db import migrations, models


class Migration(migrations.Migration):
    """Tells Django of a column that `contactsync migrate up` makes, and touches nothing."""

    dependencies = [("contacts", "0001_initial")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField("contact", "hubspot_processing_status", models.TextField(null=True)),
            ],
        ),
    ]
