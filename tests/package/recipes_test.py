"""The recipes for Buildroot, OpenWrt and Yocto, as far as they can be checked without their build systems: what each names
is what cmake --install puts down, their files are read by the same tools, and OpenWrt's start script runs against a stub."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(sys.argv[1])
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGING = os.path.join(SOURCE, "packaging")
LIBRARIES = {"libcurl", "mbedtls", "paho-mqtt-c", "cjson", "zlib"}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def run(*words, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False, **options)
    if done.returncode != 0:
        raise AssertionError("%s: %d\n%s" % (" ".join(words), done.returncode, done.stdout.decode()))
    return done.stdout.decode()


def version():
    return re.search(r"project\(sfedge VERSION ([0-9.]+)", read(SOURCE, "CMakeLists.txt")).group(1)


class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="sfedge-recipes-")
        run("cmake", "--install", BUILD, "--prefix", "/usr", env={**os.environ, "DESTDIR": cls.folder + "/tree"})
        cls.installed = set()
        for folder, _, files in os.walk(cls.folder + "/tree"):
            cls.installed |= {os.path.join(folder, name)[len(cls.folder + "/tree"):] for name in files}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_what_is_installed_stays_below_usr(self):
        self.assertIn("/usr/bin/sfedge", self.installed)
        self.assertEqual([path for path in self.installed if not path.startswith("/usr/")], [])
        self.assertIn("ExecStart=/usr/bin/sfedge run", read(self.folder, "tree/usr/lib/systemd/system/sfedge.service"))

    def test_every_recipe_has_the_version_of_the_program(self):
        self.assertIn("\nPKG_VERSION:=%s\n" % version(), read(PACKAGING, "openwrt/Makefile"))
        self.assertIn("\nSFEDGE_VERSION = %s\n" % version(), read(PACKAGING, "buildroot/package/sfedge/sfedge.mk"))
        self.assertTrue(os.path.exists(os.path.join(
            PACKAGING, "yocto/recipes-connectivity/sfedge/sfedge_%s.bb" % version())))

    def test_options_that_recipes_set_exist(self):
        known = read(SOURCE, "CMakeLists.txt") + read(SOURCE, "cmake/package.cmake")
        for path in ("openwrt/Makefile", "buildroot/package/sfedge/sfedge.mk",
                     "yocto/recipes-connectivity/sfedge/sfedge_%s.bb" % version()):
            options = set(re.findall(r"-D(SFE_[A-Z]+)=", read(PACKAGING, path)))
            self.assertIn("SFE_TESTS", options)
            for option in options:
                self.assertRegex(known, r"option\(%s |set\(%s " % (option, option), path)

    # -- Buildroot -------------------------------------------------------------

    def test_buildroot_selects_every_library(self):
        import kconfiglib
        symbols = ["CA_CERTIFICATES", "CJSON", "LIBCURL", "MBEDTLS", "PAHO_MQTT_C", "ZLIB"]
        stub = "".join("config BR2_%s\n\tbool\n\tdefault y\n" % name for name in ("TOOLCHAIN_HAS_THREADS", "USE_MMU"))
        stub += "config BR2_STATIC_LIBS\n\tbool \"static\"\n"
        stub += "".join("config BR2_PACKAGE_%s\n\tbool \"%s\"\n" % (name, name) for name in symbols)
        os.environ["BR2_EXTERNAL_SFEDGE_PATH"] = os.path.join(PACKAGING, "buildroot")
        kconfig = kconfiglib.Kconfig(
            self.write("Kconfig", stub + 'source "%s/buildroot/Config.in"\n' % PACKAGING), warn_to_stderr=False)
        kconfig.syms["BR2_PACKAGE_SFEDGE"].set_value("y")
        self.assertEqual(kconfig.warnings, [])
        for name in symbols:
            self.assertEqual(kconfig.syms["BR2_PACKAGE_" + name].str_value, "y", name)
        kconfig.syms["BR2_STATIC_LIBS"].set_value("y")
        self.assertEqual(kconfig.syms["BR2_PACKAGE_SFEDGE"].str_value, "n")

    def test_buildroot_is_told_what_it_needs(self):
        show = "".join("$(info %s=$(SFEDGE_%s))" % (name, name) for name in
                       ("SITE_METHOD", "DEPENDENCIES", "CONF_OPTS", "USERS", "LICENSE_FILES", "INSTALL_INIT_SYSV"))
        makefile = self.write("buildroot.mk", "BR2_EXTERNAL_SFEDGE_PATH := %s/buildroot\nBR2_INIT_SYSTEMD := y\n"
                              "INSTALL := install\nTARGET_DIR := /target\n"
                              "define cmake-package\n%s\nendef\ninclude $(BR2_EXTERNAL_SFEDGE_PATH)/external.mk\nall:\n"
                              % (PACKAGING, show))
        said = run("make", "-s", "-f", makefile)
        self.assertIn("SITE_METHOD=local\n", said)
        self.assertEqual(set(re.search("^DEPENDENCIES=(.*)$", said, re.M).group(1).split()), LIBRARIES)
        self.assertIn("-DSFE_SYSTEMD=ON", said)
        self.assertRegex(said, r"sfedge -1 sfedge -1 \* /var/lib/sfedge - - ")
        self.assertTrue(os.path.exists(os.path.join(SOURCE, "LICENSE")))
        for source in re.findall(r"\$\(@D\)/(\S+)", read(PACKAGING, "buildroot/package/sfedge/sfedge.mk")):
            self.assertTrue(os.path.exists(os.path.join(SOURCE, source)), source)
        for path in re.findall(r"\$\(TARGET_DIR\)(/usr\S+)", read(PACKAGING, "buildroot/package/sfedge/sfedge.mk")):
            self.assertIn(path, self.installed)

    # -- OpenWrt ---------------------------------------------------------------

    def test_openwrt_installs_what_there_is(self):
        stubs = os.path.join(self.folder, "include")
        for name in ("rules", "package", "cmake"):
            self.write("include/%s.mk" % name, "")
        tools = "INSTALL_DIR := install -d -m0755\nINSTALL_BIN := install -m0755\nINSTALL_DATA := install -m0644\n"
        tools += "INSTALL_CONF := install -m0600\nPKG_INSTALL_DIR := %s/tree\n" % self.folder
        makefile = self.write("openwrt.mk", "TOPDIR := %s\nINCLUDE_DIR := %s\n%s"
                              "define BuildPackage\n$(info $(Package/$(1)))$(info CONFFILES $(Package/$(1)/conffiles))\nendef\n"
                              "include %s/openwrt/Makefile\n"
                              "staged:\n\t$(call Package/sfedge/install,%s/openwrt)\n"
                              % (stubs, stubs, tools, PACKAGING, self.folder))
        said = run("make", "-s", "-C", PACKAGING + "/openwrt", "-f", makefile, "staged")
        wanted = set(re.search(r"DEPENDS:=(.*)", said).group(1).replace("+", "").split())
        self.assertEqual(wanted, {"libcurl", "libmbedtls", "libpaho-mqtt-c", "cJSON", "zlib", "ca-bundle"})
        self.assertIn("USERID:=sfedge=7371:sfedge=7371", said)
        staged = self.folder + "/openwrt"
        for path in ("usr/bin/sfedge", "etc/init.d/sfedge", "etc/config/sfedge", "lib/upgrade/keep.d/sfedge"):
            self.assertTrue(os.path.exists(os.path.join(staged, path)), path)
        # What sysupgrade keeps is what the package calls its configuration.
        kept = read(staged, "lib/upgrade/keep.d/sfedge").split()
        self.assertEqual(kept, re.search(r"CONFFILES ([^D]*)", said).group(1).split())

    def start_script(self, config, call):
        """Runs the start script under BusyBox with a stub of rc.common; what it asked procd for."""
        stub = r'''
script=$1
shift
config_load() { :; }
config_get() { eval "$1=\"$4\""; [ "$3" != config ] || config=$CONFIG; }
config_get_bool() { eval "$1=$ENABLED"; }
procd_open_instance() { echo "open $1"; }
procd_set_param() { echo "param $*"; }
procd_close_instance() { echo close; }
procd_add_reload_trigger() { echo "trigger $1"; }
service_running() { [ "$RUNNING" = 1 ]; }
stop() { echo stop; }
start() { start_service; }
logger() { echo "logger $*"; }
for command in mkdir chown chmod; do eval "$command() { echo $command \$*; }"; done
. "$script"
PROG=show
show() { echo "sfedge $*"; }
"$@"
'''
        return run("busybox", "sh", self.write("rc.common", stub), os.path.join(PACKAGING, "openwrt/files/sfedge.init"),
                   call, env={"PATH": os.environ["PATH"], "CONFIG": config[0], "ENABLED": config[1],
                              "RUNNING": config[2]}).split("\n")

    def test_openwrt_starts_the_agent_as_its_user_and_again_for_ever(self):
        config = self.write("etc/sfedge/sfedge.json", "{}")
        said = self.start_script((config, "1", "0"), "start_service")
        self.assertIn("open agent", said)
        self.assertIn("param command show run --config " + config, said)
        self.assertIn("param user sfedge", said)
        self.assertIn("param respawn 3600 5 0", said)
        self.assertIn("param no_new_privs 1", said)
        self.assertIn("chown root:sfedge " + os.path.dirname(config), said)
        self.assertEqual(said[-2], "close")

    def test_openwrt_does_not_start_what_is_not_wanted_or_not_configured(self):
        config = self.write("etc/sfedge/sfedge.json", "{}")
        self.assertEqual(self.start_script((config, "0", "0"), "start_service"), [""])
        said = self.start_script((config + ".none", "1", "0"), "start_service")
        self.assertEqual(len(said), 2)
        self.assertIn("sfedge init writes one", said[0])

    def test_openwrt_reloads_a_running_agent_without_a_restart(self):
        config = self.write("etc/sfedge/sfedge.json", "{}")
        self.assertEqual(self.start_script((config, "1", "1"), "reload_service"), ["sfedge reload --config " + config, ""])
        self.assertEqual(self.start_script((config, "1", "0"), "reload_service")[0], "stop")
        self.assertEqual(self.start_script((config, "1", "0"), "service_triggers"), ["trigger sfedge", ""])

    # -- Yocto -----------------------------------------------------------------

    def recipe(self):
        return read(PACKAGING, "yocto/recipes-connectivity/sfedge/sfedge_%s.bb" % version())

    def test_yocto_has_what_a_recipe_needs(self):
        text = self.recipe()
        for name in ("SUMMARY", "LICENSE", "LIC_FILES_CHKSUM", "DEPENDS", r"SYSTEMD_SERVICE:\$\{PN\}", "USERADD_PACKAGES",
                     r"USERADD_PARAM:\$\{PN\}", r"FILES:\$\{PN\}"):
            self.assertRegex(text, r"(?m)^%s (\+|\?)?= \"" % name)
        with open(os.path.join(SOURCE, "LICENSE"), "rb") as file:
            self.assertIn("file://LICENSE;md5=" + hashlib.md5(file.read()).hexdigest(), text)
        self.assertEqual(set(re.search(r'(?m)^DEPENDS = "(.*)"', text).group(1).split()),
                         (LIBRARIES - {"libcurl"}) | {"curl"})
        self.assertNotRegex(text, r"_(append|prepend|remove|\$\{PN\})\b")
        self.assertEqual(text.count('"') % 2, 0)
        for source in re.findall(r"\$\{S\}/(\S+)", text):
            self.assertTrue(os.path.exists(os.path.join(SOURCE, source)), source)
        above = os.path.normpath(os.path.join(PACKAGING, "yocto/recipes-connectivity/sfedge", "../../../.."))
        self.assertEqual(above, SOURCE)

    def test_yocto_packages_all_that_is_installed(self):
        text = self.recipe()
        words = {"nonarch_libdir": "/usr/lib", "datadir": "/usr/share", "sysconfdir": "/etc", "localstatedir": "/var"}
        named = ["/usr/bin", "/usr/share/man", "/usr/share/doc"]  # In bitbake.conf's FILES of PN and PN-doc.
        for value in re.findall(r'(?ms)^FILES:\S+ \+?= "(.*?)"', text):
            for path in value.replace("\\\n", " ").split():
                named.append(re.sub(r"\$\{(\w+)\}", lambda match: words[match.group(1)], path))
        for path in self.installed:
            self.assertTrue(any(path == name or path.startswith(name + "/") for name in named), path)
        for name in named[3:]:
            self.assertTrue(name.startswith(("/etc", "/var"))
                            or any(path == name or path.startswith(name + "/") for path in self.installed), name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
