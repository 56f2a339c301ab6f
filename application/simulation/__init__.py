"""The simulation account: runs, orders on paper, prices, what came of them."""
