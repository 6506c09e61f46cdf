"""Reads the catalog folder (YAML and HCL2): one ``Catalog``, or every error with its file, line and fix."""

from bot.gateways.catalog.enforced import NOT_ENFORCED, json_schema
from bot.gateways.catalog.issues import Issue
from bot.gateways.catalog.reading import Reading, read

__all__ = ["NOT_ENFORCED", "Issue", "Reading", "json_schema", "read"]
