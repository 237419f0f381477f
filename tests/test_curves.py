"""Curves of a training, as figures of a page."""

from reports.curves import curves_figure, pair_of_curves


def test_a_network_that_went_astray_hides_no_other() -> None:
    """Losses far beyond the others lie outside of the chart, whose axis says so."""
    tame = [{"epoch": k, "loss": 2.0 - k / 10, "val_loss": 2.1 - k / 10} for k in range(1, 6)]
    wild = [{"epoch": 1, "loss": 3.0, "val_loss": 700_000.0}, {"epoch": 2, "loss": 2.0, "val_loss": 2.0}]
    of_tame = pair_of_curves(tame, "loss", "tame", "#000", shares=False)
    figure = curves_figure(of_tame, "loss", shares=False)
    assert figure is not None
    assert figure["layout"]["yaxis"]["title"]["text"] == "loss"
    both = [*of_tame, *pair_of_curves(wild, "loss", "wild", "#111", shares=False)]
    figure = curves_figure(both, "loss", shares=False)
    assert figure is not None
    low, high = figure["layout"]["yaxis"]["range"]
    assert (low, 3.0 < high < 10.0) == (0.0, True)
    assert "some beyond" in figure["layout"]["yaxis"]["title"]["text"]
