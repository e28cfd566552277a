//! A made-up package, as a facility hands many people's documents over to an insurer.

use model::checkup::Checkup;
use model::checkup::items::ROOT;

use super::document;

/// Who hands it over.
const SENDER: &str = "1310000001";
/// The insurer that it is for: the one of everybody who is made up.
const RECEIVER: &str = "00139999";
/// The day on which it is made, which its name and its files' names bear.
const MADE: &str = "20260401";
/// Of index and sums.
const NAMESPACE: &str = "https://www.mhlw.go.jp/stf/seisakunitsuite/bunya/0000161103.html";

/// Writes a package of these checkups as it is handed over (a ZIP with index, sums, documents, and claims beside some of them).
///
/// # Errors
/// What `out` reports.
pub fn write_package(out: impl std::io::Write, checkups: impl Iterator<Item = Checkup>) -> std::io::Result<()> {
    let name = format!("{SENDER}_{RECEIVER}_{MADE}0_1");
    let mut archive = rawzip::ZipArchiveWriter::new(out);
    let mut add = |path: &str, text: &str| -> std::io::Result<()> {
        let path = format!("{name}/{path}");
        let file = archive.new_file(&path);
        let (mut entry, config) = file
            .compression_method(rawzip::CompressionMethod::DEFLATE)
            .start()
            .map_err(std::io::Error::other)?;
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast());
        let mut writer = config.wrap(encoder);
        std::io::Write::write_all(&mut writer, text.as_bytes())?;
        let (encoder, descriptor) = writer.finish().map_err(std::io::Error::other)?;
        encoder.finish()?;
        entry.finish(descriptor).map_err(std::io::Error::other)?;
        Ok(())
    };
    let mut count = 0;
    for checkup in checkups {
        // The first package of its day (0), of checkups (1), and the document's number in it.
        let number = format!("{SENDER}{MADE}01{count:06}");
        add(&format!("DATA/h{number}.xml"), &document(&checkup))?;
        if count % 10 == 0 {
            add(&format!("CLAIMS/c{number}.xml"), "<checkupClaim/>")?;
        }
        count += 1;
    }
    add("ix08_V08.xml", &index(count))?;
    add("su08_V08.xml", &sums(count))?;
    archive.finish().map_err(std::io::Error::other)?;
    Ok(())
}

/// What the package is: from a facility to an insurer (6), of checkups (1).
fn index(count: u64) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<index xmlns=\"{NAMESPACE}\">\
         <interactionType code=\"6\" codeSystem=\"{ROOT}6.1101\"/><creationTime value=\"{MADE}\"/>\
         <sender><id root=\"{ROOT}6.102\" extension=\"{SENDER}\"/></sender>\
         <receiver><id root=\"{ROOT}6.101\" extension=\"{RECEIVER}\"/></receiver>\
         <serviceEventType code=\"1\" codeSystem=\"{ROOT}6.1103\"/><totalRecordCount value=\"{count}\"/></index>\n"
    )
}

/// What it sums up to: of nobody's checkup is a price made up.
fn sums(count: u64) -> String {
    let amount = |of: &str| format!("<{of} value=\"0\" currency=\"JPY\"/>");
    let amounts = ["totalCostAmount", "totalPaymentAmount", "totalClaimAmount"].map(amount);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<summary xmlns=\"{NAMESPACE}\">\
         <serviceEventType code=\"1\" codeSystem=\"{ROOT}6.1103\"/><totalSubjectCount value=\"{count}\"/>{}</summary>\n",
        amounts.concat()
    )
}
