"""Several rows count one thing, so that writers at the same time do not wait for each other's commit."""

from django.db import migrations, models


def in_key(model: str, columns: str, sums: str):
    """Take the slot into the primary key of a table; back again, its slots become one row."""
    table, thing = f"members_{model}", columns.split(", ")[0].removesuffix("_id")
    key = f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD PRIMARY KEY"
    names = ", ".join(part.rpartition(" AS ")[2] for part in sums.split(", "))
    together = f"""
        WITH apart AS (DELETE FROM {table} RETURNING *)
        INSERT INTO {table} ({columns}, slot, {names}) SELECT {columns}, 0, {sums} FROM apart GROUP BY {columns}"""
    primary = models.CompositePrimaryKey(thing, "local_on", "slot", blank=True, editable=False, primary_key=True, serialize=False)
    return migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunSQL(f"{key} ({columns}, slot)", [together, "SET CONSTRAINTS ALL IMMEDIATE", f"{key} ({columns})"])],
        state_operations=[migrations.AlterField(model, "pk", primary)],
    )


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0020_list_counts'),
    ]

    operations = [
        migrations.AddField(
            model_name='eventday',
            name='slot',
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name='ingestday',
            name='slot',
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        in_key("eventday", "definition_id, local_on", "sum(events) AS events, max(last_at) AS last_at"),
        in_key(
            "ingestday", "source_id, local_on",
            "sum(accepted) AS accepted, sum(duplicate) AS duplicate, sum(rejected) AS rejected, sum(parked) AS parked",
        ),
    ]
