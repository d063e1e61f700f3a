"""The way through: one flow a file, read as a paragraph."""
