"""Settings of every process, from the environment and a `.env` file: the only reader of the environment.

Each module holds what one dependency needs, as mixins; a process declares `class RelaySettings(DatabaseSettings,
KafkaSettings)`, and reads it with `loading.load_settings`. A field is read from the variable of the same name in
capitals: `database_url` from DATABASE_URL. An empty variable counts as not set.
"""
