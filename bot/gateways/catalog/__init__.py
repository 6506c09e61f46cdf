"""The catalog folder as records: YAML and HCL2 in, one ``Catalog`` out, or every error with its file, line and mend."""

from bot.gateways.catalog.enforced import NOT_ENFORCED, json_schema
from bot.gateways.catalog.findings import Finding
from bot.gateways.catalog.reading import Reading, read

__all__ = ["NOT_ENFORCED", "Finding", "Reading", "json_schema", "read"]
