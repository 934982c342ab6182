"""Statistics (统计): numbers that settle arguments, each with the issues behind it."""
