//! The smallest mail server that can be: it takes what it is given, and puts it into a folder.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

/// Begins to listen on the loopback, puts each mail into `folder` as a file of its own, and returns the port.
pub(crate) fn open(folder: &Path) -> io::Result<u16> {
    fs::create_dir_all(folder)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let file = folder.join(format!("{:02}.eml", number + 1));
            if let Err(error) = stream.and_then(|stream| talk(stream, &file)) {
                eprintln!("demo: {}: {error}", file.display());
            }
        }
    });
    Ok(port)
}

fn talk(stream: TcpStream, file: &Path) -> io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    write!(out, "220 demo ESMTP\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        match line.split(' ').next() {
            Some("DATA") => {
                write!(out, "354 go on\r\n")?;
                let mail: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
                fs::write(file, mail.join("\n"))?;
                write!(out, "250 taken\r\n")?;
            }
            Some("QUIT") => return write!(out, "221 bye\r\n"),
            _ => write!(out, "250 OK\r\n")?,
        }
    }
    Ok(())
}

/// The mails in a folder, in the order in which they came, each with its subject.
pub(crate) fn mails(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.sort();
    let subject = |file: PathBuf| {
        let text = fs::read_to_string(&file)?;
        let subject = text.lines().skip_while(|line| !line.starts_with("Subject: "));
        // A long one goes on in lines that begin with a blank.
        let (first, rest) = (subject.clone().take(1), subject.skip(1).take_while(|line| line.starts_with(' ')));
        let subject: String = first.chain(rest).collect();
        Ok((file, subject.trim_start_matches("Subject: ").to_owned()))
    };
    files.into_iter().map(subject).collect()
}
