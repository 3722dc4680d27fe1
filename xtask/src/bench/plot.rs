//! Plots with logarithmic axes.

use std::path::Path;

use plotters::prelude::*;

use crate::error::Error;

const SIZE: (u32, u32) = (640, 400);
const COLOURS: [RGBColor; 3] = [RGBColor(31, 119, 180), RGBColor(214, 39, 40), RGBColor(44, 160, 44)];

/// A line of a plot.
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// The points, by x.
    pub points: Vec<(f64, f64)>,
}

/// Draws a plot as SVG.
pub fn draw(file: &Path, title: &str, axes: [&str; 2], series: &[Series]) -> Result<(), Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Finding(format!("{}: {error}", file.display()));
    let points = || series.iter().flat_map(|series| &series.points);
    let range = |values: Vec<f64>| {
        let (low, high) =
            values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
        (low / 1.2)..(high * 1.2)
    };
    let (x, y) = (range(points().map(|point| point.0).collect()), range(points().map(|point| point.1).collect()));
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(|error| failed(&error))?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(x.log_scale(), y.log_scale())
        .map_err(|error| failed(&error))?;
    chart.configure_mesh().x_desc(axes[0]).y_desc(axes[1]).draw().map_err(|error| failed(&error))?;
    for (Series { name, points }, colour) in series.iter().zip(COLOURS) {
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3);
        let drawn = chart.draw_series(line).map_err(|error| failed(&error))?;
        drawn.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).border_style(BLACK);
    legend.draw().map_err(|error| failed(&error))?;
    area.present().map_err(|error| failed(&error))
}
