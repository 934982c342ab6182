"""CSV and XLSX as offices keep them, read as rows of six kinds; pure, without a database.

`book.read_tables` reads, `tables` says what comes out, `templates.template` writes what to
fill in, and `problems` says when a whole file is refused.
"""
