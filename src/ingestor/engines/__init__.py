"""Where the stages run: `local` in this event loop; same call and same report wherever it is."""
