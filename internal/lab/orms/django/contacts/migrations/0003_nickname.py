from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_queue")]
    operations = [migrations.AddField("contact", "nickname", models.TextField(default=""))]
