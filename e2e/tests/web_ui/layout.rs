//! Tests of the layout on phones, tablets and desktops, and of accessibility.

use anyhow::{Context, Result, ensure};
use fantoccini::key::Key;
use mien_e2e::{WebUi, with_detector, with_web_ui};

use crate::{
    evaluations::reports,
    faces::drop_face,
    newest_label,
    photos::{drop_photo, wait_for_faces},
};

/// Width and height of the viewport in px.
const PHONE: (u32, u32) = (390, 844);
const TABLET: (u32, u32) = (820, 1180);
const DESKTOP: (u32, u32) = (1440, 900);

/// Part of the console error about the icon that browsers request for a report.
const NO_ICON: &str = "/favicon.ico";

/// The views, each with an element that is shown when the view is complete.
const VIEWS: [(&str, &str); 4] = [
    ("try", ".prediction .bars"),
    ("evaluate", "#evaluate"),
    ("models", ".version .badge"),
    ("live", ".panels .chart"),
];

/// Checks that the page does not scroll horizontally and that tables which are too wide have a scroll bar of their own.
async fn check_width(ui: &WebUi) -> Result<()> {
    let script = "
        const { scrollWidth, clientWidth } = document.documentElement
        const excess = scrollWidth - clientWidth
        const isCut = (table) => {
          for (let box = table.parentElement; box; box = box.parentElement) {
            if (getComputedStyle(box).overflowX === 'auto') return false
            if (table.getBoundingClientRect().right > box.getBoundingClientRect().right + 1) return true
          }
        }
        const cut = [...document.querySelectorAll('table, .confusions')].filter(isCut)
        return [excess > 0 && `the page is ${excess} px too wide`, ...cut.map((table) => `cut off: ${table.textContent}`)]
          .filter(Boolean).join(', ')";
    let problems = ui.run(script, &[]).await?;
    let url = ui.client().current_url().await?;
    ensure!(problems == "", "{url}: {problems}");
    Ok(())
}

#[tokio::test]
async fn views_fit_phone_tablet_and_desktop() -> Result<()> {
    with_web_ui(&[], async |ui| {
        drop_face(ui, "neutral").await?;
        newest_label(ui).await?;
        for (width, height) in [PHONE, TABLET, DESKTOP] {
            ui.resize(width, height).await?;
            for (view, content) in VIEWS {
                ui.click(&format!("nav a[href='#{view}']")).await?;
                ui.element(&format!("#view-{view} {content}")).await?;
                check_width(ui)
                    .await
                    .with_context(|| format!("{view} at {width} px"))?;
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn reports_fit_phone_tablet_and_desktop() -> Result<()> {
    with_web_ui(&[NO_ICON], async |ui| {
        for (path, content) in reports(ui).await? {
            ui.open(&path).await?;
            ui.element(content).await?;
            for (width, height) in [PHONE, TABLET, DESKTOP] {
                ui.resize(width, height).await?;
                check_width(ui)
                    .await
                    .with_context(|| format!("{width} px"))?;
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn prediction_on_phone_is_scrolled_into_view() -> Result<()> {
    with_web_ui(&[], async |ui| {
        let (width, height) = PHONE;
        ui.resize(width, height).await?;
        drop_face(ui, "happy").await?;
        newest_label(ui).await?;
        ui.wait_for(
            "const { top, bottom } = document.querySelector('.prediction').getBoundingClientRect()
             return top >= document.querySelector('.top').getBoundingClientRect().bottom && bottom <= innerHeight",
        )
        .await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn views_and_reports_pass_axe() -> Result<()> {
    with_web_ui(&[NO_ICON], async |ui| {
        drop_face(ui, "happy").await?;
        newest_label(ui).await?;
        for scheme in ["light", "dark"] {
            ui.prefer_color_scheme(scheme).await?;
            for (width, height) in [PHONE, DESKTOP] {
                ui.resize(width, height).await?;
                for (view, content) in VIEWS {
                    ui.click(&format!("nav a[href='#{view}']")).await?;
                    ui.element(&format!("#view-{view} {content}")).await?;
                    ui.check_accessibility()
                        .await
                        .with_context(|| format!("{scheme}, {width} px"))?;
                }
            }
        }
        for (path, content) in reports(ui).await? {
            ui.open(&path).await?;
            ui.element(content).await?;
            for scheme in ["light", "dark"] {
                ui.prefer_color_scheme(scheme).await?;
                for (width, height) in [PHONE, DESKTOP] {
                    ui.resize(width, height).await?;
                    ui.check_accessibility()
                        .await
                        .with_context(|| format!("{scheme}, {width} px"))?;
                }
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn photo_fits_phone_and_desktop_and_passes_axe() -> Result<()> {
    with_detector(async |ui| {
        drop_photo(ui).await?;
        wait_for_faces(ui).await?;
        ui.click(".faces footer button").await?;
        ui.text(".explanation-text strong").await?;
        ui.click("#use-camera").await?;
        for scheme in ["light", "dark"] {
            ui.prefer_color_scheme(scheme).await?;
            for (width, height) in [PHONE, TABLET, DESKTOP] {
                ui.resize(width, height).await?;
                check_width(ui)
                    .await
                    .with_context(|| format!("{width} px"))?;
                ui.check_accessibility()
                    .await
                    .with_context(|| format!("{scheme}, {width} px"))?;
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn keyboard_navigation_focuses_heading_of_view() -> Result<()> {
    with_web_ui(&[], async |ui| {
        let press = async |key: Key| {
            let active = ui.client().active_element().await?;
            active.send_keys(&char::from(key).to_string()).await.context("cannot press a key")
        };
        ui.element("nav a[href='#evaluate']").await?;
        // The links "Skip to content", "mien", "Try" and "Evaluate".
        for _ in 0..4 {
            press(Key::Tab).await?;
        }
        press(Key::Enter).await?;
        // A screen reader announces the focused heading.
        ui.wait_for("return document.activeElement.textContent === 'Evaluate' && document.activeElement.tagName === 'H1'")
            .await?;
        Ok(())
    })
    .await
}
