"""The register of dwellings (户)."""
