"""
The page: type an animal, see its pictures; and how the runs are doing.

`app` says which address leads to which view. `views` are the pages and `api` the same for programs: a
question is read by `asking`, its `answers` are shown as `cards`, and where there are none `ways` lead on.
`collection` and `licenses` say what is to be known of photos beforehand; the embedded catalog is `lazy`, and
waits for its journal. `runs` is the dashboard, made of a run's `beat`, a worker's `pulse` and a `chart`; it is
`live` while it is open, and `lookout` looks at the journal for all of them. `wording` writes numbers and
times, `assets` are our own files. `gate` and `security` are between the page and strangers, who are told
what is `discreet`, and `bugs` keeps those out of the log.

Rule of the room: everything can be had without JavaScript, every view has an address, and nothing
foreign reaches a page but as text. No paid key ever enters: a house (`house`) is a catalog, the
origin of pictures and the path of a journal.
"""
