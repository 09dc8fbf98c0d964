"""uPlot (https://github.com/leeoniya/uPlot), which draws the charts, as its npm package has it."""
