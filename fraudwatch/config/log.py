"""Where several sources are given: the log that intake writes takes the place of the one source.

The rest of the product reads `settings.source` and need not know where the log comes from.
"""

from msgspec.structs import replace

from fraudwatch.config.settings import Settings, Source


def with_log(settings: Settings) -> Settings:
    """The settings with the canonical source on `topics.transactions`; unchanged where there is one source only."""
    if not settings.sources:
        return settings
    return replace(settings, source=Source(topic=settings.topics.transactions))
