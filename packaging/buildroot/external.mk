# Buildroot: make BR2_EXTERNAL=.../packaging/buildroot menuconfig
#
# Checked here: Config.in is read by kconfiglib with stubs of Buildroot's symbols, the makefiles by make with stubs of its
# functions (tests/package/recipes_test.py), what is installed is compared with what sfedge.mk says, and the start script
# runs under BusyBox. It has not been built by Buildroot.
include $(sort $(wildcard $(BR2_EXTERNAL_SFEDGE_PATH)/package/*/*.mk))
