"""Strikes as people see them: their own with an appeal, and those that staff answer."""
