"""
One file per vendor: pure functions hold all we know about the wire, a thin client awaits.

Rule of the room: no HTTP library is imported here, and vendors do not know each other.
"""
