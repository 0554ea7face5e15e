"""
Every flag of the command line, each with a help that teaches.

Rule of the room: no flag has a default here. Only what was really typed is handed to the settings,
which know the environment and the defaults. The help repeats both; a test compares.
"""
