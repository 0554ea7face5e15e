"""
Draws animals: soft shapes in layers, each lit from the top left, before a place out of focus.

Rule of the room: a picture depends on its scene alone. Every chance comes from the scene's
number; no clock, no file, no font.
"""
