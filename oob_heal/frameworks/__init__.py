"""Thin help for web frameworks, one file each, imported by its full path.

Law: nothing here that an application could not write in a few lines; the core knows none of it.
FastAPI, Starlette and Flask need no file: their how-to pages show the lines.
"""
