from vigil.plugins import EfficacySpecification, Goal, IndicatorSpecification, Ratio

EVEN_LOAD = Goal(
    "acme.even_load",
    "Even load",
    EfficacySpecification(
        "acme.even_load",
        indicators=(
            IndicatorSpecification("spread_before", "Spread of the load.", whole=False),
            IndicatorSpecification("spread_after", "Spread after the plan.", whole=False),
            IndicatorSpecification("servers_moved", "How many servers the plan moves."),
        ),
        ratios=(
            Ratio("spread_left", "Share of the spread left.", "spread_after", "spread_before"),
        ),
    ),
)
