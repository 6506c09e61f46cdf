"""SQLAlchemy for SQLite and PostgreSQL: engines, column types, statements and database errors."""
