"""The register of organisations (单位、商户)."""
