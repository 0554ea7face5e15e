"""A Flickr group in; a labelled, searchable picture collection out."""
