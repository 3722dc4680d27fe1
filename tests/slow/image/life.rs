//! A key's life, with the operator in its image.

use testkit::bed::operator::Operator;
use testkit::bed::{Setup, Tenant};
use testkit::secret_scan::scan_output;
use xtask::image::CERTIFICATES;

use super::container::{Container, Process};
use crate::beds::{report, run_with_bed};

#[test]
fn a_key_lives_its_life_with_the_operator_in_an_empty_read_only_root() {
    run_with_bed(Setup::default(), async |mut bed| {
        // The bed starts the program of the work tree.
        bed.operator.take().expect("the operator runs").kill();
        let container = Container::unpack();
        container.mount_service_account(&bed);
        let api_server = bed.api_server();
        let (host, port) = api_server.rsplit_once(':').expect("host and port");
        let arguments = ["operator", "--log-format=json", "--admin-address=127.0.0.1:0"];
        let environment = [("KUBERNETES_SERVICE_HOST", host), ("KUBERNETES_SERVICE_PORT", port)];
        let mut command = container.command(&arguments, &environment);
        let operator = Operator::spawn(&mut command, bed.control_plane.directory(), "image");
        operator.await_ready().await;
        let process = Process::of(operator.pid());
        assert!(process.has_user_of_image());
        assert_eq!(process.capabilities(), 0);
        assert!(process.has_read_only_root());

        let tenant = Tenant::create(&bed, "image", bed.client.clone()).await;
        let first = tenant.make_key().await;
        tenant.bind("calm-key", &first).await;
        tenant.apply_for_binding("calm", "calm-key").await;
        tenant.await_uploaded("calm", &first).await;
        assert_eq!(tenant.slot_key().await, first);

        let second = tenant.make_key().await;
        tenant.rotate_binding("calm-key", &second).await;
        tenant.await_uploaded("calm", &second).await;
        assert_eq!(tenant.slot_key().await, second);

        tenant.unbind("calm-key", &second).await;
        tenant.await_ready("calm", "False", "SourceGone").await;
        assert_eq!(tenant.slot_key().await, serde_json::Value::Null);
        tenant.delete("calm").await;
        assert!(operator.stop(), "the operator ends with success after SIGTERM");
        report("image: upload, rotation and removal by user 65532 in a read-only root");
    });
}

#[test]
fn the_image_trusts_its_ca_certificates_or_those_of_ssl_cert_file() {
    run_with_bed(Setup::default(), async |bed| {
        let tenant = Tenant::create(&bed, "trust", bed.client.clone()).await;
        let key = tenant.make_key().await;
        let container = Container::unpack();
        container.write("key.json", &key.to_string());
        let host = key["uaa"]["url"].as_str().and_then(|url| url.strip_prefix("https://")).expect("a URL");
        let host = format!("--allow-host={}", host.trim_end_matches('/'));
        let arguments = ["test", "--allow-private-networks", &host, "/key.json"];
        let test = |environment: &[(&str, &str)]| {
            let output = container.command(&arguments, environment).output().expect("the image can be started");
            let printed = [output.stdout, output.stderr].concat();
            scan_output("image", &printed);
            (output.status.code(), String::from_utf8_lossy(&printed).into_owned())
        };
        let (code, printed) = test(&[]);
        assert_eq!(code, Some(3), "the simulator's authority is not trusted: {printed}");

        container.write("ca.pem", &bed.simulator.ca);
        let (code, printed) = test(&[("SSL_CERT_FILE", "/ca.pem")]);
        assert_eq!(code, Some(0), "the variable names other certificates: {printed}");

        let bundle = container.path(CERTIFICATES);
        let certificates = std::fs::read_to_string(&bundle).expect("the certificates");
        std::fs::remove_file(&bundle).expect("a file");
        container.write(CERTIFICATES, &(certificates + &bed.simulator.ca));
        let (code, printed) = test(&[]);
        assert_eq!(code, Some(0), "the certificates of the image are read: {printed}");
    });
}
