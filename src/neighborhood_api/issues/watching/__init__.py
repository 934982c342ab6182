"""Watching that issues go on: urging (催办), orders (督办), warnings around limits (预警)."""
