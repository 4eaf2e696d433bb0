//! A bar chart of whole commands, on a logarithmic axis.

use std::path::Path;

use plotters::prelude::*;

/// Draws one bar for each label and its milliseconds.
pub(crate) fn bars(bars: &[(String, f64)], file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    if bars.is_empty() {
        return Ok(());
    }
    let height = 60 + 26 * bars.len() as u32;
    let area = SVGBackend::new(file, (900, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let most = bars.iter().map(|(_, ms)| *ms).fold(1.0, f64::max) * 2.0;
    let count = bars.len() as f64;
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .x_label_area_size(36)
        .y_label_area_size(8)
        .build_cartesian_2d((0.1..most).log_scale(), 0.0..count)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_desc("milliseconds (logarithmic)")
        .draw()?;
    chart.draw_series(bars.iter().enumerate().map(|(at, (label, ms))| {
        let top = count - at as f64 - 0.15;
        let colour =
            if label.starts_with("omg") { RGBColor(0, 110, 90) } else { RGBColor(180, 180, 180) };
        Rectangle::new([(0.1, top - 0.7), (*ms, top)], colour.filled())
    }))?;
    chart.draw_series(bars.iter().enumerate().map(|(at, (label, ms))| {
        Text::new(
            format!("{label}  {ms:.2} ms"),
            (0.12, count - at as f64 - 0.35),
            ("sans-serif", 13).into_font(),
        )
    }))?;
    area.present()?;
    Ok(())
}
