"""
The short way for a GET: connections of our own, read by llhttp, because pictures are what a run asks
for ten thousand times.

A `fetcher` asks one upstream, over a `line` that rests or, by `dialing`, a new one; what arrives there is
an `answer`, and `watch` is the one timer of all lines.

A whole client does much for every request that a picture does not need: it took three of ten calls of
Python that a photo cost, and three times the CPU of the copying itself (measured). What is left out
here is left out on purpose: redirects, cookies, proxies, unpacking, bodies, anything but HTTP/1.1.
What may be repeated freely goes this way, and nothing else: a paid request never does.
"""
