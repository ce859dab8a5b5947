"""How many inputs of each target make the gate."""

SHARES = {
    # Records of every source format.
    "log": 20_000,
    "handbook": 20_000,
    "cards": 20_000,
    "transfers": 20_000,
    "cash": 20_000,
    "remittances": 20_000,
    # Chunks of records, compiled against exact.
    "chunks": 12_000,
    # Configuration and mappings.
    "settings": 5_000,
    "environment": 5_000,
    "mapping": 9_000,
    # Artefacts.
    "manifest": 8_000,
    "arrays": 2_000,
    "edited_artefact": 4_000,
    # Snapshots.
    "snapshots": 4_000,
    "edited_snapshot": 4_000,
    # What people and other systems write.
    "dispositions": 14_000,
    "alerts": 10_000,
    "dead_letters": 12_000,
    "models": 12_000,
    # Files.
    "files": 10_000,
}
