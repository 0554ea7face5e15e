"""
The page: type an animal, see its pictures; and how the runs are doing.

Rule of the room: everything can be had without JavaScript, every view has an address, and nothing
foreign reaches a page but as text. No paid key ever enters: a house (`house`) is a catalog, the
origin of pictures and the path of a journal.
"""
