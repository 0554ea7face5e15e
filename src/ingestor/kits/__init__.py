"""
Tools that would be libraries of their own: channels, batches, quotas, pacing, retries, lifetimes.

Rule of the room: nothing about photos, nothing from upstairs, no HTTP.
"""
