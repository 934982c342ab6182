"""The register of people (人口)."""
