"""SQLAlchemy and the two databases: engines, columns, statements, what an error means."""
