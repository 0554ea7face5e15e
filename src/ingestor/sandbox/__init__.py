"""
Every upstream of ingestor on loopback: Flickr, its picture CDN, Vision, the Realtime Database
and Google's token endpoint, played from the vendors' documents.

Rule of the room: nothing of ingestor outside this package is imported here. A misunderstanding
shared by client and fake would hide from every test.
"""
