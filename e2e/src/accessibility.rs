//! Accessibility checks with axe-core.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::WebUi;

/// Runs the rules of axe-core and returns a text per violation: rule, description and elements.
const RUN: &str = "
    return axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(
      ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`))";

impl WebUi {
    /// Checks the current page with axe-core, whose script the variable `AXE_CORE` names.
    ///
    /// # Errors
    /// Returns an error with the violations, if there are any.
    pub async fn check_accessibility(&self) -> Result<()> {
        let path =
            std::env::var("AXE_CORE").context("AXE_CORE is not set; run `cargo xtask e2e`")?;
        let axe = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        self.client().execute(&axe, vec![]).await?;
        let violations = self.run(RUN, &[]).await?;
        let url = self.client().current_url().await?;
        ensure!(
            violations == json!([]),
            "{url} has accessibility violations: {violations:#}"
        );
        Ok(())
    }

    /// Emulates a system that prefers a colour scheme, `light` or `dark`.
    ///
    /// # Errors
    /// Returns an error of the browser.
    pub async fn prefer_color_scheme(&self, scheme: &str) -> Result<()> {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.browser
            .devtools("Emulation.setEmulatedMedia", features)
            .await
            .map(drop)
    }
}
